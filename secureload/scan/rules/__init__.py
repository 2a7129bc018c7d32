"""The rules, one file each: a module with ``RULE_ID``, ``TITLE`` and ``check(case)``; its docstring explains it."""
