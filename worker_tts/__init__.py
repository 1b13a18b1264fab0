"""Text to speech: the teacher's words in, spoken audio out."""
