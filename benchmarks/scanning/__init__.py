"""The parts of ``bench_scan.py``: environments, what each scanner says, what it costs, and the tables."""
