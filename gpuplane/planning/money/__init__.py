"""What an environment costs in a month: at its minimum, as expected and at worst; by pool, service and tenant."""
