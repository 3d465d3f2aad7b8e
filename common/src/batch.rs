//! The wire codec of batches: what `buffer` stores, `uplink` sends and `store` keeps.
