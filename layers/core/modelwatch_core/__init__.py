"""The core of Modelwatch: domain, use cases, ports and AWS adapters."""
