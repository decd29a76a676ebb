// A skill in Go.
package export_wit_world

import (
	"crypto/rand"
	"encoding/json"
	"os"
	"strings"
	"time"

	witTypes "go.bytecodealliance.org/pkg/wit/types"
	"wit_component/coworker_skill_call"
	"wit_component/coworker_skill_types"
)

type answer = witTypes.Result[string, coworker_skill_types.SkillError]

const text = `{"type":"object","properties":{"text":{"type":"string"}},"required":["text"],"additionalProperties":false}`
const tidied = `{"type":"object","properties":{"text":{"type":"string"},"words":{"type":"integer"}},"required":["text","words"]}`

func skill(name, description, takes, gives string) coworker_skill_types.Descriptor {
	return coworker_skill_types.Descriptor{
		Name:         name,
		Version:      "1.0.0",
		Description:  description,
		InputSchema:  takes,
		OutputSchema: gives,
	}
}

func Describe() []coworker_skill_types.Descriptor {
	return []coworker_skill_types.Descriptor{
		skill("tidy", "Puts one space between the words of a text.", text, tidied),
		skill("surroundings", "Tells what a skill finds around it.", `{}`, `{"type":"object"}`),
		skill("spin", "Never answers.", `{}`, `{}`),
	}
}

func Invoke(name string, input string) answer {
	switch name {
	case "tidy":
		return tidy(input)
	case "surroundings":
		return surroundings()
	case "spin":
		spin()
	}
	return failed(coworker_skill_types.MakeSkillErrorOther("no skill " + name))
}

func tidy(input string) answer {
	var asked struct {
		Text string `json:"text"`
	}
	if err := json.Unmarshal([]byte(input), &asked); err != nil {
		return failed(coworker_skill_types.MakeSkillErrorInvalidInput(err.Error()))
	}
	words := strings.Fields(asked.Text)
	if len(words) == 0 {
		return failed(coworker_skill_types.MakeSkillErrorInvalidInput("the text is blank"))
	}
	return answered(map[string]any{"text": strings.Join(words, " "), "words": len(words)})
}

func surroundings() answer {
	files := []string{}
	entries, _ := os.ReadDir("/")
	for _, entry := range entries {
		files = append(files, entry.Name())
	}
	tiers := []string{"untrusted", "known", "internal", "privileged"}
	return answered(map[string]any{
		"tier":      tiers[coworker_skill_call.Tier()],
		"variables": os.Environ(),
		"arguments": os.Args,
		"files":     files,
		"time":      time.Now().UnixMilli(),
		"random":    rand.Text(),
	})
}

func spin() {
	for {
	}
}

func answered(output any) answer {
	text, err := json.Marshal(output)
	if err != nil {
		return failed(coworker_skill_types.MakeSkillErrorOther(err.Error()))
	}
	return witTypes.Ok[string, coworker_skill_types.SkillError](string(text))
}

func failed(err coworker_skill_types.SkillError) answer {
	return witTypes.Err[string, coworker_skill_types.SkillError](err)
}
