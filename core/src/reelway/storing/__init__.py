"""Where results are kept: files and object stores, named by templates, each result with its manifest."""
