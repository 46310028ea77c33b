using System.Collections.Immutable;
using System.CommandLine;
using DistNet.Checkpoints;
using DistNet.Cli.Consoles;
using DistNet.Interchange;
using DistNet.Onnx;
using DistNet.Training;

namespace DistNet.Cli.Verbs;

/// <summary><c>distnet export RUN</c>: the model as a file for other programs.</summary>
internal static class ExportVerb
{
    private static readonly ImmutableArray<string> Formats = ["onnx", "safetensors", "npz"];

    public static Command Create(Terminal terminal)
    {
        var run = new Argument<string>("RUN") { Description = "A run folder or a checkpoint." };
        var format = new Option<string?>("--format") { Description = "The file's format; by default what the name of --out ends with.", HelpName = string.Join('|', Formats) };
        var output = new Option<string?>("--out") { Description = "The file to write; by default RUN.FORMAT in the current folder, RUN being the folder's own name.", HelpName = "FILE" };
        var optimizer = new Option<string?>("--optimizer") { Description = "A second file, for the optimizer's state (safetensors).", HelpName = "FILE" };
        var command = new Command("export", "Write a trained model for other programs: ONNX, safetensors (PyTorch's names) or npz (numpy).") { run, format, output, optimizer };
        command.SetAction(parsed =>
        {
            string path = parsed.GetRequiredValue(run);
            string chosen = Format(parsed.GetValue(format), parsed.GetValue(output));
            string? second = parsed.GetValue(optimizer);
            string file = parsed.GetValue(output) ?? $"{Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)))}.{chosen}";
            if (second is not null && Path.GetFullPath(second) == Path.GetFullPath(file))
            {
                throw DistNetException.Usage($"--optimizer {second} is the file of the model too; expected another.");
            }

            void Warn(string sentence) => terminal.Errors.WriteLine($"warning: {sentence}");
            using TrainedModel model = TrainedModel.Load(path, Warn, threads: 1);
            Checkpoint? checkpoint = second is null ? null : CheckpointStore.Open(path, _ => { });
            if (checkpoint is not null)
            {
                // An optimizer without a state is refused before the first file is written.
                ModelExport.WriteOptimizer(Stream.Null, checkpoint);
            }

            Write(terminal, file, stream => Write(stream, chosen, model));
            if (checkpoint is not null)
            {
                Write(terminal, second!, stream => ModelExport.WriteOptimizer(stream, checkpoint));
            }

            return 0;
        });
        return command;
    }

    private static string Format(string? given, string? output)
    {
        string known = $"{Formats[0]}, {Formats[1]} or {Formats[2]}";
        string format = given ?? Path.GetExtension(output)?.TrimStart('.') ?? throw DistNetException.Usage($"--format is missing; expected {known}.");
        return Formats.FirstOrDefault(name => name.Equals(format, StringComparison.OrdinalIgnoreCase)) ?? throw DistNetException.Usage(given is null
            ? $"--out {output} ends with none of the known formats; expected --format {known}."
            : $"--format is '{given}'; expected {known}.");
    }

    private static void Write(Stream stream, string format, TrainedModel model)
    {
        switch (format)
        {
            case "onnx":
                OnnxExport.Write(stream, model);
                break;
            case "safetensors":
                ModelExport.WriteSafetensors(stream, model);
                break;
            default:
                ModelExport.WriteNpz(stream, model);
                break;
        }
    }

    private static void Write(Terminal terminal, string file, Action<Stream> content)
    {
        AtomicFile.Write(file, content);
        terminal.Output.WriteLine($"wrote {file}: {Figures.Count(new FileInfo(file).Length)} bytes");
        terminal.Output.Flush();
    }
}
