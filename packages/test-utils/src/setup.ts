// Loaded before every test file, see vitest.config.ts: adds the matchers.
import { expect } from 'vitest';
import { toBeCloseToTensor } from './to-be-close-to-tensor.js';

expect.extend({ toBeCloseToTensor });
