//! A throwaway Swarm for development: see the commits that follow.
