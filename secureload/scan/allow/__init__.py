"""The allow-list as data, a file a library, and the script that collects its evidence."""
