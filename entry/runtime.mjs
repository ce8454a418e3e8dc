// Only a default export: `lastError` comes and goes, so that it cannot be imported by name.
export { default } from './runtime.js';
