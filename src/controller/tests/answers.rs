//! How the tenant answers, changed while it runs: what it shows of one object, its switches, and
//! faults of its routes that last.

use identity_simulator::{Fault, Odd, switches};
use serde_json::Value;

use super::world::World;

impl World {
    /// Every answer shows the object of that id with other fields from now on.
    pub fn show_oddly(&self, id: &str, odd: &Value) {
        if odd.to_string().contains("sourceIds") {
            self.oracle.lock().unwrap().hidden.insert(id.to_owned());
        }
        let odd: Odd = serde_json::from_value(odd.clone()).unwrap();
        self.tenant.lock().unwrap().show_oddly(id, odd);
    }

    /// Every answer shows the object of that id as it is; false if each did before.
    pub fn show_plainly(&self, id: &str) -> bool {
        self.tenant.lock().unwrap().show_plainly(id)
    }

    /// Sets these switches of the tenant and leaves the others.
    pub fn switch(&self, switches: &Value) {
        let mut tenant = self.tenant.lock().unwrap();
        let patched = switches::patched(tenant.switches(), switches);
        *tenant.switches_mut() = patched.unwrap();
    }

    /// A route fails from now on as the fault says.
    pub fn add_fault(&self, fault: &Value) {
        let fault: Fault = serde_json::from_value(fault.clone()).unwrap();
        self.tenant.lock().unwrap().add_fault(fault);
    }
}
