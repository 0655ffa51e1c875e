// Compiles folders, each by itself, and fails on any warning: CompileAll CLASSPATH FOLDER...

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.tools.DiagnosticCollector;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;

public final class CompileAll {
    private CompileAll() {}

    public static void main(String[] args) throws Exception {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        int faults = 0;
        for (int i = 1; i < args.length; i++) {
            List<Path> sources;
            try (Stream<Path> all = Files.walk(Path.of(args[i]))) {
                sources = all.filter(path -> path.toString().endsWith(".java")).collect(Collectors.toList());
            }
            DiagnosticCollector<JavaFileObject> said = new DiagnosticCollector<>();
            try (StandardJavaFileManager files = compiler.getStandardFileManager(said, null, null)) {
                List<String> options = List.of(
                        "--release", "11", "-encoding", "UTF-8", "-proc:none", "-Xlint:all", "-implicit:none", "-cp", args[0],
                        "-d", Files.createDirectory(Path.of("classes" + i)).toString());
                compiler.getTask(null, files, said, options, null, files.getJavaFileObjectsFromPaths(sources)).call();
            }
            faults += said.getDiagnostics().size();
            said.getDiagnostics().forEach(System.err::println);
        }
        System.exit(faults == 0 ? 0 : 1);
    }
}
