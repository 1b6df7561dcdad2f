// lua runs a script as Argo CD does: the same interpreter, the libraries that it opens and no
// others, one second at most, and the object in the global obj. It reads {"script", "objects"}
// on standard input and prints what the script returns for each object.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	lua "github.com/yuin/gopher-lua"
)

type request struct {
	Script  string `json:"script"`
	Objects []any  `json:"objects"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "lua:", err)
		os.Exit(1)
	}
}

func run() error {
	var asked request
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		return fmt.Errorf("standard input must be {\"script\": …, \"objects\": […]}: %w", err)
	}
	results := make([]any, 0, len(asked.Objects))
	for at, object := range asked.Objects {
		result, err := evaluate(asked.Script, object)
		if err != nil {
			return fmt.Errorf("object %d: %w", at, err)
		}
		results = append(results, result)
	}
	return json.NewEncoder(os.Stdout).Encode(results)
}

func evaluate(script string, object any) (any, error) {
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	if err := open(state); err != nil {
		return nil, err
	}
	limited, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	state.SetContext(limited)
	state.SetGlobal("obj", toLua(state, object))
	if err := state.DoString(script); err != nil {
		return nil, err
	}
	returned, is := state.Get(-1).(*lua.LTable)
	if !is {
		return nil, fmt.Errorf("the script returned a %s, and Argo CD wants a table", state.Get(-1).Type())
	}
	return fromLua(returned), nil
}

// open opens what a script of Argo CD may use: of os only the clock, and that by require alone.
func open(state *lua.LState) error {
	libraries := []struct {
		name string
		open lua.LGFunction
	}{
		{lua.LoadLibName, lua.OpenPackage},
		{lua.BaseLibName, lua.OpenBase},
		{lua.TabLibName, lua.OpenTable},
	}
	for _, library := range libraries {
		call := lua.P{Fn: state.NewFunction(library.open), Protect: true}
		if err := state.CallByParam(call, lua.LString(library.name)); err != nil {
			return fmt.Errorf("library %q: %w", library.name, err)
		}
	}
	state.PreloadModule(lua.OsLibName, func(state *lua.LState) int {
		lua.OpenOs(state)
		os := state.Get(-1).(*lua.LTable)
		os.ForEach(func(name, _ lua.LValue) {
			if name != lua.LString("time") && name != lua.LString("date") {
				os.RawSet(name, lua.LNil)
			}
		})
		state.SetGlobal(lua.OsLibName, lua.LNil)
		return 1
	})
	return nil
}

func toLua(state *lua.LState, value any) lua.LValue {
	switch value := value.(type) {
	case bool:
		return lua.LBool(value)
	case float64:
		return lua.LNumber(value)
	case string:
		return lua.LString(value)
	case []any:
		table := state.CreateTable(len(value), 0)
		for _, item := range value {
			table.Append(toLua(state, item))
		}
		return table
	case map[string]any:
		table := state.CreateTable(0, len(value))
		for key, item := range value {
			table.RawSetString(key, toLua(state, item))
		}
		return table
	default:
		return lua.LNil
	}
}

// fromLua makes a list of an empty table, as Argo CD does: Lua does not tell it from an empty map.
func fromLua(value lua.LValue) any {
	switch value := value.(type) {
	case lua.LBool:
		return bool(value)
	case lua.LNumber:
		return float64(value)
	case lua.LString:
		return string(value)
	case *lua.LTable:
		if length := value.Len(); length > 0 || isEmpty(value) {
			list := make([]any, 0, length)
			for at := 1; at <= length; at++ {
				list = append(list, fromLua(value.RawGetInt(at)))
			}
			return list
		}
		object := map[string]any{}
		value.ForEach(func(key, item lua.LValue) { object[key.String()] = fromLua(item) })
		return object
	default:
		return nil
	}
}

func isEmpty(table *lua.LTable) bool {
	key, _ := table.Next(lua.LNil)
	return key == lua.LNil
}
