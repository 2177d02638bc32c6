//! What the jobs of an open database and its maintenance have in common.

use super::pool::Pool;
use crate::serve::store::condition::Condition;

pub struct Shared {
    pub pool: Pool,
    pub condition: Condition,
}
