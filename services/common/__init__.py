"""What all services share, and the map for whoever writes one. Owns no business rule of any service.

How to write a service ``X`` (``services/accounts`` is the smallest whole example):

- ``services/X/__main__.py`` calls ``app.run(app.Service("X", routers=(router,), start=start))``; ``start(resources)`` is
  an async context manager that yields the object which the routes find by ``app.state(request, TypeOfIt)``; background
  work lives inside it. `resources.Resources` opens what `services.contracts.workloads` says that ``X`` may touch: ``router`` (databases),
  ``cache``, ``kafka``, ``aws``, ``secrets``, ``context_keys``.
- The user name of ``X`` at PostgreSQL, Valkey and Kafka is its workload name; passwords come from the secret
  ``settings.own.secrets["X"]``, JSON {"database_password", "cache_password", "kafka_password"}. The secret ``context``
  is a random string of at least 32 characters; JSON {"current", "previous"} is understood too, for rotation.
- Routes use the templates of `services.contracts.routes` unchanged. Every route but health and metrics is refused
  with 401 without a valid signed context: take a parameter of type `access.Caller` (anybody) or `access.User` (signed in).
- Errors: raise `errors.ServiceError`; the wire form is always ``{"error": {"code", "message"}}``.
- Ids: `ids`. A user is minted in a random bucket of the home cell, a channel in its owner's bucket, a video in its
  channel's bucket, a comment in its video's bucket. So everything of a video lies in one database, the list of a
  channel's videos is one query, and residency follows the owner.
- Databases: a repository function takes a connection of ``router.writer(key)`` or ``router.reader(key, seen)``,
  and both want a `ids.ShardKey`. ``seen`` (`access.Seen`) carries read-your-writes to and from the caller in the header
  `consistency.HEADER`. Whoever works on whole cells (counters, search) uses ``router.home_writer(home)``
  and ``router.home_reader(home)`` over ``router.homes``.
- Migrations: ``services/X/migrations/NNNN_name.sql`` creates objects in schema ``X`` (which exists, as do all roles).
  The role ``X`` gets SELECT, INSERT, UPDATE, DELETE on the tables of schema ``X`` by itself. Names are written with
  their schema.

The seam between services inside a cell is the database: one database per cell, one schema per service, and a
service touches another's schema only through what that schema's migrations grant to its role by name: views to
read, functions to write. A call is then in the caller's own transaction (completing an upload and the video's new
state cannot disagree), needs no second network hop and no further credential, and PostgreSQL itself refuses what was
not granted. The price is that a schema is an interface: views and functions are kept stable as a wire format is.
There is no internal HTTP between services.

What schema ``catalog`` offers (typed wrappers in `videos`; do not write the SQL again):

- ``catalog.published`` (view; search, recommendations): ready, public videos.
- `videos.brief` (uploads, transcoder, engagement, counters): owner, channel, state, duration of one video.
- `videos.create` (uploads), `videos.mark_processing` (uploads, transcoder), `videos.set_progress`,
  `videos.mark_ready`, `videos.mark_failed` (transcoder, uploads).
- `videos.add_comment` (engagement), and SELECT on ``catalog.comments`` (counters): the row is written before the
  event; the author's name is the context's ``name``.
- `videos.channel_owner` (uploads, engagement): None if there is no such channel.

What others must offer: schema ``counters`` a view ``counters.video_totals`` (video_id, views, likes, dislikes,
comments, updated_at) and ``counters.channel_totals`` (channel_id, subscribers), SELECT granted to catalog, search,
recommendations and engagement.
"""
