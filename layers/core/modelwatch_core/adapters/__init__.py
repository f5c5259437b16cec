"""How the ports are served, one folder a world."""
