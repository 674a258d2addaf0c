// The wire forms of the platform's API, as far as the page reads them.

export interface ChannelName {
  id: string;
  name: string;
}

export interface Channel extends ChannelName {
  description: string;
  created_at: string;
  subscribers: number;
  mine: boolean;
}

export interface Card {
  id: string;
  title: string;
  channel: ChannelName;
  duration_ms: number | null;
  poster_url: string | null;
  published_at: string | null;
  views: number;
}

export interface Counts {
  views: number;
  likes: number;
  dislikes: number;
  comments: number;
}

export type VideoState = "uploading" | "processing" | "ready" | "failed";

export interface Video {
  id: string;
  channel: ChannelName;
  title: string;
  description: string;
  state: VideoState;
  progress: number;
  rungs: string[];
  failure: { code: string; message: string } | null;
  duration_ms: number | null;
  width: number | null;
  height: number | null;
  hls_url: string | null;
  poster_url: string | null;
  created_at: string;
  published_at: string | null;
  counts: Counts;
  mine: boolean;
}

export interface Comment {
  id: string;
  author: ChannelName;
  body: string;
  created_at: string;
}

export type Reaction = "none" | "like" | "dislike";

export interface LiveCounts extends Counts {
  video: string;
  as_of: number;
}

/** Something that a user is told: a new video of a channel that they follow, or a comment under a video of theirs. */
export interface Notification {
  kind: string;
  subject: string;
  under: string | null;
  at: number;
  read: boolean;
}

export interface Notifications {
  notifications: Notification[];
  unread: number;
}

export interface User {
  id: string;
  email: string;
  display_name: string;
}

export interface Session {
  access_token: string;
  refresh_token: string;
  expires_in: number;
  user: User;
}

export interface Subscription {
  active: boolean;
}
