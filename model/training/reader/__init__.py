"""The reader in JAX: nets, inner learning rules, data, training and measurement. See ../README.md."""
