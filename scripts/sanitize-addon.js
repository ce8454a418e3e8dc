'use strict';

// For each test file: the addon that was built for a sanitizer. The variable would mislead jest's own
// addons if it were set outside.
process.env.NAPI_RS_NATIVE_LIBRARY_PATH = process.env.SANITIZED_ADDON;
