"""Proof of learning on Ethereum."""
