"""What happens in the park while it runs: events at their places, made-up ones for demonstrations, and the cameras that see them."""
