// From a file a browser starts no worker, and the search is one: a hidden frame does its work.
if (location.protocol === "file:") {
  const load = (inside, script) =>
    new Promise((resolve, reject) => {
      const element = inside.document.createElement("script");
      element.src = script;
      element.onload = resolve;
      element.onerror = reject;
      inside.document.head.append(element);
    });

  window.Worker = class extends EventTarget {
    constructor(address) {
      super();
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      this.ready = new Promise((resolve) => {
        const start = () => {
          const inside = this.frame.contentWindow;
          inside.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
          inside.importScripts = (...scripts) => Promise.all(scripts.map((script) => load(inside, script)));
          load(inside, address).then(() => resolve(inside));
        };
        this.frame.addEventListener("load", start, { once: true });
        document.body.append(this.frame);
      });
    }

    postMessage(data) {
      this.ready.then((inside) => inside.dispatchEvent(new inside.MessageEvent("message", { data })));
    }

    terminate() {
      this.frame.remove();
    }
  };
}
