"""Files to measure scanners with: malicious ones that are inert, bombs, code by value, and what honest libraries write.

``python -m benchmarks.corpus FOLDER PART`` writes them. Nothing of it is ever loaded.
"""
