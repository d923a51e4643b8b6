"""From results of tests to text, JSON and JUnit XML."""
