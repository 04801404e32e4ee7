//! AWS on a bad day.

#[path = "aws/account.rs"]
mod account;
#[path = "aws/small_world.rs"]
mod small_world;
#[path = "aws/weather.rs"]
mod weather;

use super::trials::Scenario;

/// The scenarios of this file, in the order of the table.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "AWS throttles three calls of ten",
        run: weather::throttling,
    },
    Scenario {
        name: "AWS lets five calls a second through",
        run: weather::five_a_second,
    },
    Scenario {
        name: "AWS answers 5xx or resets connections",
        run: weather::unavailable,
    },
    Scenario {
        name: "AWS answers slowly",
        run: weather::slow,
    },
    Scenario {
        name: "AWS loses one answer of ten",
        run: weather::lost_answers,
    },
    Scenario {
        name: "new users and principals are unknown for seconds",
        run: weather::latecomers,
    },
    Scenario {
        name: "a run right after a failed one, both in that time",
        run: weather::latecomers_of_another_run,
    },
    Scenario {
        name: "every list comes in pages of one",
        run: weather::pages_of_one,
    },
    Scenario {
        name: "a user was deleted by hand and came back",
        run: account::a_user_that_came_back,
    },
    Scenario {
        name: "what is deleted has something hung on it meanwhile",
        run: account::delete_conflict,
    },
    Scenario {
        name: "a policy or a quota is full",
        run: account::full,
    },
    Scenario {
        name: "a principal that nobody knows",
        run: account::unknown_principal,
    },
];
