//! What plans promise. [`imitation`] carries plans out, [`world`] makes stacks.

mod corpus;
mod drift;
mod files;
mod imitation;
mod order;
mod ownership;
mod promises;
mod reasons;
mod restore;
mod secrets;
mod services;
mod volumes;
mod world;
