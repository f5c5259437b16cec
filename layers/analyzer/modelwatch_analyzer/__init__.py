"""The analyzer: settings and an input folder in, a folder of reports out. Knows no AWS."""
