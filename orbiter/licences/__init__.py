"""From a bill of materials to the licences of everything in an image."""
