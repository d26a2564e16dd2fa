"""The record of a sourcing: search, questions, answers, exports."""
