import runtime from './runtime.js';
export default runtime;
