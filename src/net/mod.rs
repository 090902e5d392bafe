//! The only sockets of the house. One client, online or offline, with limits, retries and an `ETag` cache;
//! one file a host. Returns bytes and says where they come from; knows nothing of what they mean.
