//! Lets the linker leave the symbols of Node-API to the process that loads the addon.

fn main() {
    napi_build::setup();
}
