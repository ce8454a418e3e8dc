import java.io.FileInputStream;
import java.net.InetAddress;
import java.security.KeyStore;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;

/** An echo over TLS: Echo STORE.p12 PASSWORD 1.2|1.3; prints its port. */
class Echo {
    public static void main(String[] arguments) throws Exception {
        char[] password = arguments[1].toCharArray();
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(new FileInputStream(arguments[0]), password);
        KeyManagerFactory keys =
                KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(store, password);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), null, null);
        SSLServerSocket server =
                (SSLServerSocket)
                        context.getServerSocketFactory()
                                .createServerSocket(0, 8, InetAddress.getByName("127.0.0.1"));
        server.setEnabledProtocols(new String[] {"TLSv" + arguments[2]});
        System.out.println(server.getLocalPort());
        Thread end = new Thread(Echo::endWithInput);
        end.start();
        while (true) {
            SSLSocket socket = (SSLSocket) server.accept();
            new Thread(() -> echo(socket)).start();
        }
    }

    static void endWithInput() {
        try {
            System.in.transferTo(java.io.OutputStream.nullOutputStream());
        } catch (java.io.IOException error) {
            // As good as its end.
        }
        System.exit(0);
    }

    static void echo(SSLSocket socket) {
        try (socket) {
            byte[] room = new byte[16384];
            for (int count; (count = socket.getInputStream().read(room)) >= 0; ) {
                socket.getOutputStream().write(room, 0, count);
            }
        } catch (java.io.IOException error) {
            // The client has what it wants to have.
        }
    }
}
