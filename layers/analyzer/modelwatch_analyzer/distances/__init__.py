"""How far two distributions lie apart."""
