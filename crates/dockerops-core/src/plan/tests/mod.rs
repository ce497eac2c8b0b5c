//! What plans promise. [`imitation`] carries plans out, [`world`] makes stacks.

mod corpus;
mod files;
mod imitation;
mod ownership;
mod promises;
mod reasons;
mod secrets;
mod services;
mod world;
