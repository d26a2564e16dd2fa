"""The desk of a territory: supply and needs, potential, hours, meeting days, facilitators, plans.

Each module answers one question of a regional mission from the catalogue and the engine that stand; none of
them ranks anything by itself.  Answers are frozen values in French, with the source and date of each figure.
"""
