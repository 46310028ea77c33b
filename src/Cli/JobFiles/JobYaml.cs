using System.Collections.Immutable;
using DistNet.Jobs;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace DistNet.Cli.JobFiles;

/// <summary>Reads YAML into the tree of a job, with the line of every value. Works on the parser's events, without reflection, so that it starts fast.</summary>
public static class JobYaml
{
    /// <summary>Reads one YAML document.</summary>
    /// <param name="yaml">The document.</param>
    /// <param name="source">What errors call it: the file's name.</param>
    /// <param name="lines">Whether errors name lines; not for a value given on the command line.</param>
    /// <exception cref="DistNetException">It is not YAML, is empty, has a key twice, or uses what a job has no use for.</exception>
    public static JobValue Read(string yaml, string source, bool lines = true)
    {
        ArgumentNullException.ThrowIfNull(yaml);
        try
        {
            var parser = new Parser(new StringReader(yaml));
            parser.Consume<StreamStart>();
            if (parser.Accept<StreamEnd>(out _))
            {
                return new JobScalar(new JobPlace(source), "", quoted: false);
            }

            parser.Consume<DocumentStart>();
            JobValue value = new Reader(parser, source, lines).ReadValue();
            parser.Consume<DocumentEnd>();
            return parser.Accept<StreamEnd>(out _)
                ? value
                : throw DistNetException.BadInput($"{Place(source, parser.Current!.Start, lines)}: a second YAML document starts here; expected one.");
        }
        catch (YamlException exception)
        {
            throw DistNetException.BadInput($"{Place(source, exception.Start, lines)}: this is not YAML: {Sentence(exception)}", exception);
        }
    }

    private static JobPlace Place(string source, Mark mark, bool lines) => new(source, lines ? (int)mark.Line : 0);

    private static string Sentence(YamlException exception) => exception.Message.TrimEnd('.') + ".";

    private sealed class Reader(Parser parser, string source, bool lines)
    {
        private readonly Dictionary<AnchorName, JobValue> anchors = [];

        public JobValue ReadValue()
        {
            switch (parser.Current)
            {
                case Scalar scalar:
                    parser.MoveNext();
                    return Remember(scalar, new JobScalar(PlaceOf(scalar), scalar.Value, quoted: scalar.Style is not ScalarStyle.Plain));
                case SequenceStart start:
                    parser.MoveNext();
                    var items = ImmutableArray.CreateBuilder<JobValue>();
                    while (parser.Current is not SequenceEnd)
                    {
                        items.Add(ReadValue());
                    }

                    parser.MoveNext();
                    return Remember(start, new JobList(PlaceOf(start), items.ToImmutable()));
                case MappingStart start:
                    parser.MoveNext();
                    return Remember(start, ReadSection(start));
                case AnchorAlias alias:
                    parser.MoveNext();
                    return anchors.TryGetValue(alias.Value, out JobValue? value)
                        ? value
                        : throw DistNetException.BadInput($"{PlaceOf(alias)}: *{alias.Value} refers to no anchor before it.");
                default:
                    throw DistNetException.BadInput($"{PlaceOf(parser.Current!)}: this is not YAML that a job can hold.");
            }
        }

        private JobSection ReadSection(MappingStart start)
        {
            var entries = ImmutableArray.CreateBuilder<JobEntry>();
            while (parser.Current is not MappingEnd)
            {
                if (parser.Current is not Scalar key)
                {
                    throw DistNetException.BadInput($"{PlaceOf(parser.Current!)}: a key is a list or a section; expected a word.");
                }

                parser.MoveNext();
                JobSection.Add(entries, new JobEntry(key.Value, PlaceOf(key), ReadValue()));
            }

            parser.MoveNext();
            return new JobSection(PlaceOf(start), entries.ToImmutable());
        }

        private JobPlace PlaceOf(ParsingEvent parsed) => Place(source, parsed.Start, lines);

        private JobValue Remember(NodeEvent parsed, JobValue value)
        {
            if (!parsed.Anchor.IsEmpty)
            {
                anchors[parsed.Anchor] = value;
            }

            return value;
        }
    }
}
