"""Load balancing for OpenAI Realtime voice sessions."""
