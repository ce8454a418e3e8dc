'use strict';

/** Chains: length, order, duplicates and unrelated certificates. */

/** @param {import('./case-book').CaseBook} book */
function addChainCases({ add, intermediate, leaf, root, unknown }) {
  const links = (count) => {
    const made = [];
    for (let index = 0; index < count; index += 1) {
      made.unshift(intermediate({ issuer: made[0] ?? root, name: `Link ${index}` }));
    }
    return made;
  };
  const middle = intermediate();
  add('chain: directly below the root', [leaf()]);
  for (const count of [1, 2, 3, 6, 7, 9, 12]) {
    const made = links(count);
    add(`chain: ${count} between`, [leaf({ issuer: made[0] }), ...made]);
  }
  add('chain: the one between is missing', [leaf({ issuer: middle })]);
  add('chain: the upper one of two is missing', [
    leaf({ issuer: intermediate({ issuer: middle, name: 'Lower' }) }),
  ]);
  const three = links(3);
  add('chain: in reverse order', [leaf({ issuer: three[0] }), ...[...three].reverse()]);
  add('chain: with its root', [leaf(), root]);
  add('chain: everything twice', [leaf({ issuer: middle }), middle, middle, root, root]);
  const twice = leaf({ issuer: middle });
  add('chain: the leaf twice', [twice, twice, middle]);
  add('chain: a stranger in it', [leaf({ issuer: middle }), unknown, middle]);
  add('chain: twenty strangers in it', [
    leaf({ issuer: middle }),
    ...Array.from({ length: 20 }, (_, index) =>
      intermediate({ issuer: unknown, name: `Stranger ${index}` }),
    ),
    middle,
  ]);
  add('chain: rubbish in it', [
    leaf({ issuer: middle }),
    Buffer.from('this is no certificate'),
    middle,
  ]);
  add('chain: an empty certificate in it', [leaf({ issuer: middle }), Buffer.alloc(0), middle]);
  add('chain: rubbish behind it', [
    leaf({ issuer: middle }),
    middle,
    Buffer.from('this is no certificate'),
  ]);
  add('chain: unknown root', [leaf({ issuer: unknown }), unknown]);
  add('chain: unknown root, not presented', [leaf({ issuer: unknown })]);
  add('chain: an authority below an unknown root', [
    leaf({ issuer: intermediate({ issuer: unknown, name: 'Lost' }) }),
    intermediate({ issuer: unknown, name: 'Lost' }),
  ]);
}

module.exports = { addChainCases };
