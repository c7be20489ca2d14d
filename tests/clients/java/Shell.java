// SPDX-License-Identifier: Apache-2.0
//
// Runs the main methods of many programs in one JVM, so that a test does not pay a JVM's start for each tool.
//
// A request is a line on stdin: words in base64, the class first, then the text for its stdin, then its arguments.
// The answer is a line on stdout: the exit code, what was printed on stdout, what was printed on stderr, both base64.
// A tool that ends the JVM ends only its own run.

import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import org.apache.kafka.common.utils.Exit;

public class Shell {
    /** Thrown where a tool would have ended the JVM. */
    static final class Ended extends Error {
        Ended(int code) {
            super("exit " + code, null, false, false);
        }
    }

    /** A stream for the whole life of the JVM, whose bytes are collected run by run. */
    static final class Collector extends OutputStream {
        private ByteArrayOutputStream bytes = new ByteArrayOutputStream();

        @Override
        public synchronized void write(int one) {
            bytes.write(one);
        }

        @Override
        public synchronized void write(byte[] from, int start, int count) {
            bytes.write(from, start, count);
        }

        synchronized byte[] take() {
            byte[] all = bytes.toByteArray();
            bytes = new ByteArrayOutputStream();
            return all;
        }
    }

    private static volatile Integer exitCode;

    private static void end(int code) {
        if (exitCode == null) exitCode = code;
        throw new Ended(code);
    }

    private static int run(String name, String[] words) throws Exception {
        exitCode = null;
        try {
            Class.forName(name).getMethod("main", String[].class).invoke(null, (Object) words);
        } catch (InvocationTargetException wrapped) {
            if (!(wrapped.getCause() instanceof Ended)) {
                wrapped.getCause().printStackTrace();
                return 1;
            }
        }
        return exitCode == null ? 0 : exitCode;
    }

    public static void main(String[] none) throws Exception {
        PrintStream answers = System.out;
        Collector out = new Collector(), err = new Collector();
        System.setOut(new PrintStream(out, true, "UTF-8"));
        System.setErr(new PrintStream(err, true, "UTF-8"));
        Exit.setExitProcedure((code, message) -> end(code));
        Exit.setHaltProcedure((code, message) -> end(code));
        BufferedReader requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        for (String line; (line = requests.readLine()) != null;) {
            String[] words = line.split(" ", -1);
            for (int i = 0; i < words.length; i++)
                words[i] = new String(Base64.getDecoder().decode(words[i]), StandardCharsets.UTF_8);
            System.setIn(new ByteArrayInputStream(words[1].getBytes(StandardCharsets.UTF_8)));
            int code = run(words[0], Arrays.copyOfRange(words, 2, words.length));
            Base64.Encoder encoder = Base64.getEncoder();
            answers.println(code + " " + encoder.encodeToString(out.take()) + " " + encoder.encodeToString(err.take()));
            answers.flush();
        }
        Runtime.getRuntime().halt(0);
    }
}
