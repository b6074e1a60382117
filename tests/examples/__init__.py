"""Projects that use the package as others would; see tests/test_examples.py."""
