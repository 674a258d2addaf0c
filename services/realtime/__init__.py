"""Shows what happens while it happens: counts and viewers of a video, over Socket.IO."""
