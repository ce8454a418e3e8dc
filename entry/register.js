'use strict';

require('../lib/api/register.js');
