/**
 * The requests of the performing side to the driving side about the peer, over any message channel.
 *
 * @param {(message: object) => void} send
 */
export function createQuestions(send) {
  const answers = new Map();
  let requests = 0;
  return {
    ask(name, args) {
      requests += 1;
      const request = requests;
      return new Promise((resolve, reject) => {
        answers.set(request, { resolve, reject });
        send({ request, name, args });
      });
    },

    /** The driving side has replied. */
    answer({ request, reply }) {
      const { resolve, reject } = answers.get(request);
      answers.delete(request);
      if (reply.error === undefined) resolve(reply.value);
      else reject(new Error(reply.error));
    },
  };
}
