"""One file a format: each walks its structure and yields what it finds (:mod:`secureload.formats.reading`)."""
