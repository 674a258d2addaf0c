"""What people do with videos: takes views, reactions, comments and subscriptions, and gives counts."""
