using System.CommandLine;
using DistNet.Data;
using DistNet.Jobs;
using DistNet.Training;

namespace DistNet.Cli.Verbs;

/// <summary>The options by which evaluate and predict read data for a model: those of the job unless given.</summary>
internal sealed class ModelDataOptions
{
    public Argument<string> Run { get; } = new("RUN") { Description = "A run folder or a checkpoint." };

    public Argument<string> Data { get; } = new("DATA") { Description = "A CSV file, or an IDX file of inputs." };

    public Option<string?> Labels { get; } = new("--labels") { Description = "IDX: the file of labels.", HelpName = "FILE" };

    public Option<string?> Label { get; } = new("--label") { Description = "CSV: the label's column, in place of the job's data.label: first, last, a name, or a number from 0.", HelpName = "COLUMN" };

    public Option<string?> Header { get; } = new("--header") { Description = "CSV: whether the first line names the columns: auto, true or false.", HelpName = "WORD" };

    public Option<string?> Delimiter { get; } = new("--delimiter") { Description = "CSV: the character between fields, or tab.", HelpName = "CHARACTER" };

    public void AddTo(Command command)
    {
        command.Arguments.Add(Run);
        command.Arguments.Add(Data);
        command.Options.Add(Labels);
        command.Options.Add(Label);
        command.Options.Add(Header);
        command.Options.Add(Delimiter);
    }

    /// <summary>How the file is read.</summary>
    public CsvOptions Csv(ParseResult parsed, Job job)
    {
        CsvOptions options = job.Data is { } data ? CsvOptions.From(data) : new CsvOptions();
        return options with
        {
            Label = parsed.GetValue(Label) ?? options.Label,
            Header = Key<bool?>(parsed, Header, "data.header", options.Header),
            Delimiter = Key<char>(parsed, Delimiter, "data.delimiter", options.Delimiter),
        };
    }

    /// <summary>Whether the data file is IDX, by its content: the first bytes, gzip or not, are the magic number of IDX.</summary>
    public static bool IsIdx(string path)
    {
        try
        {
            using FileStream file = File.OpenRead(path);
            byte[] head = new byte[4];
            if (file.ReadAtLeast(head, 4, throwOnEndOfStream: false) == 4 && head[0] == 0x1f && head[1] == 0x8b)
            {
                file.Position = 0;
                using var zip = new System.IO.Compression.GZipStream(file, System.IO.Compression.CompressionMode.Decompress);
                return zip.ReadAtLeast(head, 4, throwOnEndOfStream: false) == 4 && IsMagic(head);
            }

            return IsMagic(head);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            // The reader that follows says what is wrong with it.
            return false;
        }
    }

    private static bool IsMagic(byte[] head) => head is [0, 0, >= 8 and <= 14, >= 1 and <= 4];

    private static T Key<T>(ParseResult parsed, Option<string?> option, string path, T fallback)
    {
        if (parsed.GetValue(option) is not { } text)
        {
            return fallback;
        }

        JobKey key = JobKeys.All.First(key => key.Path == path);
        return key.Type.TryRead(new JobScalar(new JobPlace(option.Name), text, quoted: false), out object? value)
            ? (T)value!
            : throw DistNetException.Usage($"{option.Name} is '{text}'; expected {key.Type.Expected}.");
    }
}
