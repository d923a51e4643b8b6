"""From a lock set to images; nothing but the store goes in."""
