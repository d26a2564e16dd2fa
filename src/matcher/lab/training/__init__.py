"""Training: weights learnt from past awards and from texts without winners, never from a query's answer.

One file for each thing that is learnt; `matcher train NAME` runs it.  Torch is imported inside functions only.
"""
