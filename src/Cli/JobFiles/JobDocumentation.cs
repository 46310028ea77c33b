using System.Text;
using DistNet.Jobs;

namespace DistNet.Cli.JobFiles;

/// <summary>The reference of the job file's keys in Markdown: made from the table of keys, kept in <c>docs/job-file.md</c> between two marks.</summary>
public static class JobDocumentation
{
    /// <summary>The line before the generated part.</summary>
    public const string Start = "<!-- keys: made from the table of keys; a test says how when they differ -->";

    /// <summary>The line after the generated part.</summary>
    public const string End = "<!-- end of keys -->";

    /// <summary>The generated part, with a newline at the end.</summary>
    public static string Text { get; } = Build();

    private static string Build()
    {
        var text = new StringBuilder();
        foreach (JobSectionKey section in JobKeys.Sections)
        {
            text.Append($"## {section.Path}\n\n{section.Meaning}\n\n| key | type | default | meaning |\n| --- | --- | --- | --- |\n");
            foreach (JobKey key in JobKeys.All.Where(key => JobKeyPaths.Parent(key.Path) == section.Path))
            {
                string fallback = key.Required ? "required" : $"`{JobFile.ValueText(key, JobKeys.Defaults)}`";
                string meaning = key.OnlyFor is null ? key.Meaning : $"{key.Meaning} For {key.OnlyFor}.";
                text.Append($"| `{key.Path}` | {Cell(key.Type.Expected)} | {fallback} | {Cell(meaning)} |\n");
            }

            text.Append('\n');
        }

        JobKey model = JobKeys.All.First(key => key.Path == "model");
        text.Append($"## model\n\n{model.Meaning}\n\n| module | key | type | default | meaning |\n| --- | --- | --- | --- | --- |\n");
        foreach (ModuleKind kind in ModuleKind.All)
        {
            text.Append($"| `{kind.Word}` | | | | {Cell(kind.Meaning)} |\n");
            foreach (ModuleOption option in kind.Options)
            {
                text.Append($"| | `{option.Name}` | {Cell(option.Type.Expected)} | {Default(option)} | {Cell(option.Meaning)} |\n");
            }
        }

        return text.ToString();
    }

    private static string Default(ModuleOption option) => option.Required
        ? "required"
        : option.DefaultOf is { } other ? $"as `{other}`" : $"`{JobFile.Text(option.Type, option.Default)}`";

    private static string Cell(string text) => text.Replace("|", "\\|", StringComparison.Ordinal);
}
