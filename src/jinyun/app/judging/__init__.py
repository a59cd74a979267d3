"""Judging tables: files in, the same files with `judged_` columns out. The door is `run.judge_file`."""
