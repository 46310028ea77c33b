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
            string file = parsed.GetValue(output) ?? $"{Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)))}.{chosen}";
            void Warn(string sentence) => terminal.Errors.WriteLine($"warning: {sentence}");
            using TrainedModel model = TrainedModel.Load(path, Warn);
            Write(terminal, file, stream => Write(stream, chosen, model));
            if (parsed.GetValue(optimizer) is { } second)
            {
                Checkpoint checkpoint = CheckpointStore.Open(path, _ => { });
                Write(terminal, second, stream => ModelExport.WriteOptimizer(stream, checkpoint));
            }

            return 0;
        });
        return command;
    }

    private static string Format(string? given, string? output)
    {
        string? format = given ?? (output is null ? null : Path.GetExtension(output).TrimStart('.'));
        return format is not null && Formats.Contains(format)
            ? format
            : throw DistNetException.Usage($"{(given is null ? "--format is missing" : $"--format is '{given}'")}; expected {Formats[0]}, {Formats[1]} or {Formats[2]}.");
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
