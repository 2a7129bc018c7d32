"""The list of known gadgets, and the script that looks for more in the source of the standard library."""
